"""Names for personas: common given and family names of many parts of the world."""

GIVEN_NAMES = tuple(
    """Aaliyah Abebe Adaeze Adam Agnieszka Ahmed Aiko Alejandro Alice Amara Amir Amina Ana Anders
    Andrea Anil Anna Antonio Ayesha Beatriz Ben Bilal Bogdan Brigitte Bruno Camila Carlos Carmen
    Chen Chidi Chloe Claire Dalia Daniel David Deepa Diego Dmitri Ebony Elena Elif Emeka Emily
    Emma Erik Esther Fatima Felix Fernanda Femi Francesca Gabriel Gita Giulia Grace Grzegorz
    Hamid Hana Hannah Hassan Helen Hiroshi Ibrahim Imani Ines Ingrid Irina Isaac Ivan Jamal James
    Jin Joana Jorge Joseph Julia Kamala Karin Kateryna Keiko Kevin Khadija Kofi Kwame Lars Laura
    Layla Leila Li Liam Lin Lucia Luis Magda Malik Manuel Maria Mario Marta Mary Mateo Mei Mehmet
    Michael Miguel Min Mohammed Moses Nadia Naomi Natalia Ngozi Nia Nikhil Nina Noor Nora Olga
    Oluwaseun Omar Oscar Pablo Patricia Paul Pedro Petra Pierre Priya Rachel Rafael Rahul Rania
    Rasa Ravi Rebecca Robert Rosa Ruth Sakura Salma Samir Samuel Sandra Sanjay Sara Sasha Selam
    Sergei Shira Sofia Soo-jin Stefan Sunita Susan Tadesse Tamar Tariq Tatiana Thabo Theresa
    Thomas Tomasz Tuan Ulrike Uma Valentina Vera Victor Wei William Xin Yara Yasmin Yosef Yuki
    Yusuf Zainab Zoe Zsofia""".split()
)

FAMILY_NAMES = tuple(
    """Abdi Adeyemi Ahmed Almeida Andersson Bauer Becker Begum Brown Castro Chen Choi Cohen Costa
    Diallo Diaz Dimitrov Dubois Eze Farah Fernandez Fischer Garcia Ghosh Gomez Gonzalez Green
    Haddad Hansen Hernandez Hoang Horvat Hossain Hughes Ito Ivanov Jackson Jansen Johnson Jones
    Kaplan Kaya Khan Kim Kowalski Kumar Lee Lewis Li Lopez Mahmoud Martin Mbeki Mehta Mendes
    Meyer Mohamed Moreau Mueller Mwangi Nakamura Nguyen Novak Nowak Okafor Okonkwo Oliveira Osei
    Park Patel Pereira Petrov Popescu Ramirez Reyes Rivera Rossi Russo Sato Schmidt Sharma
    Silva Singh Smith Sokolov Suzuki Tan Tanaka Tesfaye Toth Tran Turner Usman Vargas Vu Wang
    White Williams Wilson Wong Yamamoto Yilmaz Zhang""".split()
)
